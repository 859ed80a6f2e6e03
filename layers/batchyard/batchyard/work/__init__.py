"""Long work: done in bounded steps by whoever comes, with its progress stored where its data are."""
