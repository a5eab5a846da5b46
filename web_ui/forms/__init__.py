"""What operators enter on the desks: each module turns text into a draft, or gives the form back with what is wrong."""
