"""The index of what is due, of all collections: batches that expire, and exports that are to be looked at."""

from batchyard.store.due import DueIndex
from batchyard.store.tables import PRODUCT_BATCHES

BY_EXPIRY = DueIndex(PRODUCT_BATCHES, "by_expiry", partition="expiring", moment="expires_at")
