"""From one shot request to one result manifest, stage by stage."""
