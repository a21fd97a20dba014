"""What makes the tests independent of how they are started and of how fast the machine is."""
