"""Exports of a batch's serials: files that are written in the background."""
