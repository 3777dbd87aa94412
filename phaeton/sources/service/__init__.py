"""What all sources that ask services share: talks, patience after trouble, what is kept, local days and times."""
