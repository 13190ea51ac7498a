"""The sources that come with the workbench, a file or a folder for each kind; they register like anybody's."""
