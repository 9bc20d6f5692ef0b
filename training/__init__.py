"""Where the weights come from that the package ships: labelled bases, and the commands that fit."""
