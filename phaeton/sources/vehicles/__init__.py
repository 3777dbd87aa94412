"""Cars: what they say of themselves, asked for as rarely as a plan allows.

A provider (one file each) knows how to ask and how to read the answer; when to ask is `polling`, what to believe is
`sanitation`, and `source` puts them together. Positions, identities and tokens never leave this room.
"""
