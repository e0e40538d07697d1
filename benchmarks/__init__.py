"""Programs that measure speed and keep promises honest; each writes a CSV into results/."""
