"""The test rig: a meter, its bench and its remote parties as pytest fixtures."""
