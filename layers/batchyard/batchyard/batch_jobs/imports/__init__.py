"""Imports of product files: read, compared with the catalogue, written, and taken back."""
