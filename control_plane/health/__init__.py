"""How each part of the deployment does: asked side by side, each within a limit, so that a dead one hides no other."""
