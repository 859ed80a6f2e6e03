"""Batch jobs for people: importing, exporting and deleting products of any deployment, from a terminal or a script.

`python -m tools.jobs --help` lists the commands. It needs an address and a token, and nothing of the service's code.

The exit codes are part of what scripts rely on: `tools.jobs.endings`.
"""
