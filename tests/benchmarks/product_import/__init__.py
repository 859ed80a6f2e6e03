"""Imports of products: seconds through the local engine, CPU and memory by size, calls to the store, and canceling."""
