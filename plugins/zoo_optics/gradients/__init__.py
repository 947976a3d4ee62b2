"""How right the gradients of models are, where the light is known in closed form."""
