"""Runs stages over many clips: units, their store, engines, leases, ledger; no stage is here."""
