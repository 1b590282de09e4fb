"""Methods that learn a representation without behaviour labels: DBM, VAME, Selfee and BehaveNet."""
