"""What replaces the program: signed bundles in an installation folder, or the commits of a checkout.

`place` knows the folder and switches versions in it, `launcher.sh` starts them and takes a bad one back, `bundle`
unpacks, `signature` and `ed25519` verify, `releases` asks a server, `checkout` follows a branch or tag. Nothing here
restarts the program; that is for whoever runs it.
"""
