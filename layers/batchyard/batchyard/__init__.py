"""What the functions of Batchyard share: the rules of its batches, and the two edges, `http` and `store`."""
