"""The demonstration: a shop loads its goods through the running API as an existing client would.

`python -m tools.demo` plays the loads of `tools.marketplace` from opening to outcome, shows what happens, and compares
every answer with what the shop knows it must be. It leaves with 0 only if all of them agree, so it is the end-to-end
check, too. It needs nothing but the three values of `.local/stack.env`, and an empty store is not among them: each run
adds its own loads and looks at those. With the name of a stack it also makes a catalogue in its tables, once,
exports it, and imports files into it with `tools.jobs`; what it imports it takes back, but for a few products.
"""
