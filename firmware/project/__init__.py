"""Projects on disk: written whole or not at all, and known by the hash of every file."""

from firmware.project.cache import cache_dir
from firmware.project.folder import Project, new_project, read_project
from firmware.project.manifest import Manifest, hash_files, package_versions, write_manifest
from firmware.project.vectors import Vectors, read_vectors, text_matches, write_vectors

__all__ = [
    "Manifest", "Project", "Vectors", "cache_dir", "hash_files", "new_project", "package_versions", "read_project",
    "read_vectors", "text_matches", "write_manifest", "write_vectors",
]  # fmt: skip
