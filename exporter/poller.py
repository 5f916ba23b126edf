"""The cycle of a poll: gather, decide, commit, publish; and the loop around it."""
