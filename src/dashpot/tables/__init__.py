"""Files -> frames -> schema -> numbers."""

from dashpot.tables.encode import Inputs, TableEncoder
from dashpot.tables.pictures import PictureEncoder
from dashpot.tables.read import read_table
from dashpot.tables.schema import Column, schema, task_of
from dashpot.tables.write import write_table

__all__ = ["Column", "Inputs", "PictureEncoder", "TableEncoder", "read_table", "schema", "task_of", "write_table"]
