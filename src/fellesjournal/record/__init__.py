"""The vault: everything clinical is read and written here, through a `Journal` opened for a decision."""
