"""Stand-ins for the providers of voices and of hearing: their wire protocols, spoken by eSpeak NG, offline and without a key."""
