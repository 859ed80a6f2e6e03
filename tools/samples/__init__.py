"""The sample events: what each function is there for, with what it must bring about in the sample world.

A name is `<package>/<module>`, with `.<case>` behind it for a further case that somebody would invoke by hand. A new
route needs one entry in the table of its family.
"""

from tools.samples import (
    batch_jobs,
    batch_requests,
    catalogue,
    channels,
    gateway,
    identity,
    odata,
    product_batch_triggers,
    product_batches,
    products,
    uploads,
)
from tools.samples.sample import Sample

SAMPLES: dict[str, Sample] = {
    f"{package}/{name}": sample
    for package, samples in (
        ("batch_requests", batch_requests.SAMPLES),
        ("channels", channels.SAMPLES),
        ("product_batches", {**product_batches.SAMPLES, **product_batch_triggers.SAMPLES}),
        ("batch_jobs", batch_jobs.SAMPLES),
        ("catalogue", {**products.SAMPLES, **catalogue.SAMPLES}),
        ("uploads", uploads.SAMPLES),
        ("identity", identity.SAMPLES),
        ("odata", odata.SAMPLES),
        ("docs", gateway.DOCS),
        ("gateway", gateway.FALLBACK),
    )
    for name, sample in samples.items()
}
