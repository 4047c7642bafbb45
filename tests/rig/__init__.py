"""An example rig: what a supplier would test on a meter, written with the plugin's fixtures alone."""
