"""What AWS does and the engine leaves out, and what is done about it here: a module for each gap."""
