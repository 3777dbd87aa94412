"""The configuration: one tree of types, and how a file becomes one."""
