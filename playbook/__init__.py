from playbook import answers
from playbook.results import listings
from playbook.run import Run, open
