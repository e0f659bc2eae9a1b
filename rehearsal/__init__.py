"""AMI Autopatch on the embedded AWS: deployed, started, watched and reported."""
