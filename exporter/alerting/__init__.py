"""Alert rules as they are shipped, and the thresholds that they compare with."""
