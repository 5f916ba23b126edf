"""The shipped alert rules, and the thresholds that they compare with."""
