"""The demonstration round: Xã Cẩm Duệ, 2022, on generated households (`data/cam-due-2022`)."""
