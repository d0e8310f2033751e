"""The figures: each module measures some of them and says how."""
