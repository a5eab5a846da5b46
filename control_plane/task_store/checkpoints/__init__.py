"""Checkpoints (protocol §10): an experiment whole, as one archive.

Out: `snapshot` reads the rows on one snapshot, `dump` writes the archive, `automatic` keeps some by itself.
In: `archive` reads a tar of unknown make, `lines` checks each line, `crossing` what lines say of one another,
`landing` commits everything at once, and `importing` does all that in order.
"""
