"""MuJoCo bodies that walk, run and swim, and their task families."""
