"""The packages of an image.

Source: EC2 Image Builder API reference, ListImagePackages, ImagePackage.
"""

from __future__ import annotations

from local_aws.imagebuilder.images import Image
from local_aws.imagebuilder.settings import BUILD_STATES
from local_aws.imagebuilder.shapes import Document

# Some of what SSM Inventory collects on an AL2023 instance: package, version, release, whether updates come often.
_PACKAGES = (
    ("amazon-ec2-net-utils", "2.7.1", 1, False),
    ("amazon-linux-repo-s3", "2023.12", 0, True),
    ("amazon-ssm-agent", "3.3.3050.0", 1, False),
    ("audit", "3.0.6", 1, False),
    ("awscli-2", "2.31.11", 1, True),
    ("bash", "5.2.15", 1, False),
    ("ca-certificates", "2025.2.76", 1, False),
    ("chrony", "4.3", 1, False),
    ("cloud-init", "22.2.2", 1, False),
    ("coreutils", "8.32", 30, False),
    ("curl-minimal", "8.15.0", 4, True),
    ("dnf", "4.14.0", 1, False),
    ("ec2-instance-connect", "1.1", 19, False),
    ("expat", "2.6.3", 1, True),
    ("glibc", "2.34", 231, True),
    ("gnupg2-minimal", "2.3.7", 1, False),
    ("gnutls", "3.8.3", 8, True),
    ("grub2-efi-x64-ec2", "2.06", 61, False),
    ("kernel", "6.18.30", 39, True),
    ("krb5-libs", "1.21.3", 7, False),
    ("libxml2", "2.10.4", 1, True),
    ("openldap", "2.4.57", 6, False),
    ("openssh-server", "8.7p1", 8, True),
    ("openssl-libs", "3.2.2", 1, True),
    ("pam", "1.5.1", 8, False),
    ("python3", "3.9.24", 1, True),
    ("rpm", "4.16.1.3", 29, False),
    ("selinux-policy", "38.1.45", 3, False),
    ("sqlite-libs", "3.40.0", 1, True),
    ("sudo", "1.9.15", 1, True),
    ("systemd", "252.23", 3, True),
    ("tzdata", "2025b", 1, False),
    ("vim-minimal", "9.1.1753", 1, True),
    ("zlib", "1.2.11", 33, False),
)


def packages_of(image: Image) -> list[Document]:
    """The packages of the image: none before it is built, or without its enhanced metadata."""
    was_built = any(state in BUILD_STATES[3:] for state in image.states)
    if not was_built or not image.document["enhancedImageMetadataEnabled"]:
        return []
    return [
        {"packageName": name, "packageVersion": f"{version}-{release + image.build_number * moves}.amzn2023"}
        for name, version, release, moves in _PACKAGES
    ]
