"""What jobs do, in words."""

from collections.abc import Mapping

from tools.jobs.job import DELETE, EXPORT, IMPORT, Job

_OPERATIONS = {
    "PRODUCT_CREATE": ("product", "new"),
    "PRODUCT_UPDATE": ("product", "changed"),
    "PRODUCT_DELETE": ("product", "deleted"),
    "VARIANT_CREATE": ("variant", "new"),
    "VARIANT_UPDATE": ("variant", "changed"),
}

_DOING = {
    (IMPORT, "created"): "Checking the file",
    (IMPORT, "processing"): "Importing",
    (EXPORT, "created"): "Looking for products",
    (EXPORT, "processing"): "Writing the file",
    (DELETE, "created"): "Looking for products",
    (DELETE, "processing"): "Deleting",
}

_BEGUN = {"created": "Preparing", "pre_processed": "Checked", "confirmed": "Starting", "processing": "Working"}


def doing(job: Job) -> str:
    """What a job does now."""
    if job.undo is not None or job.is_about_to_be_undone:
        return "Taking back"
    return _DOING.get((job.type, job.status)) or _BEGUN.get(job.status, job.status.capitalize())


def operations(job: Job) -> str:
    """What a job will do, or has done, counted; empty where it does not say so."""
    found = job.result.get("operations")
    if not isinstance(found, Mapping):
        return ""
    told = [_counted(int(count), *_OPERATIONS.get(name, (name, ""))) for name, count in found.items() if count]
    return ", ".join(told) or "nothing"


def amount(count: int, thing: str) -> str:
    """So many things."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def _counted(count: int, thing: str, how: str) -> str:
    # Of what this client does not know it says the name.
    return f"{count:,} × {thing}" if not how else f"{count:,} {how} {thing}{'' if count == 1 else 's'}"
