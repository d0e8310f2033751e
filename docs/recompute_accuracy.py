"""The figures of the accuracy page, recomputed from its CSV: python recompute_accuracy.py guesses.csv"""

import csv
import sys
from collections import Counter

with open(sys.argv[1], newline="", encoding="utf-8-sig") as file:
    rows = list(csv.DictReader(file))
automatic = [row for row in rows if row["outcome"] == "automatic"]
known = [row for row in automatic if row["truth"]]
said = [row for row in rows if row["truth_from"] == "agent"]
right = sum(row["truth"] == row["guessed"] for row in known)
first = sum(row["truth"] == row["guessed"] for row in said)
print("tickets", len(rows))
for name in ("automatic", "suggest", "unsure"):
    print(name, sum(row["outcome"] == name for row in rows))
print("automatic_accuracy", right / len(known) if known else "unknown")
print("first_guess_accuracy", first / len(said) if said else "unknown")
for (truth, guessed), count in Counter((row["truth"], row["guessed"]) for row in said).most_common():
    print("confusion" if truth != guessed else "right", truth, "<-", guessed, count, sep="\t")
