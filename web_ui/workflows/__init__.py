"""Acts of the desks that take several calls; each ends in one outcome, and doing it twice lands once."""
