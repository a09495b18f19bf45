"""Curation stages: plain functions over arrays, each callable alone; none needs weights."""
