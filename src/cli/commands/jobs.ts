import { declare } from '../declare.ts';
import { flag, row, text } from '../options.ts';
import { integer } from '../values.ts';

export const command = declare({
  description: `Prints files that start a prediction or a measurement in shards on a scheduler: a script for Slurm or Kubernetes, or a
Snakefile. Follow the scheduler by the predict or measure command that is to be run; its options are passed on. With the
word status and an output folder instead: says how much of it is there, and what is missing or broken.`,
  usage: '[options] <slurm|kubernetes|snakemake> <predict|measure> <...> --out <folder> --shards <n> | status <folder>',
  positionals: [
    { name: '<engine>', help: 'slurm, kubernetes, snakemake; or status' },
    {
      name: '<command...>',
      help: 'predict or measure with its arguments and options, including --out; or the output folder',
    },
  ],
  passesOptions: true,
  options: {
    shards: row('--shards <n>', 'number of shares (default: 64)', integer(1)),
    parallel: row('--parallel <n>', 'shares that run at once (default: all)', integer(1)),
    cpus: row('--cpus <n>', 'processors of a job', integer(1), 4),
    time: row('--time <minutes>', 'time that a job may take (default: as the scheduler has it)', integer(1)),
    image: text('--image <name>', 'Kubernetes: container image with lamella as a command'),
    claim: text('--claim <name>', 'Kubernetes: PersistentVolumeClaim with images, models and results'),
    mount: row('--mount <folder>', 'Kubernetes: where the volume is mounted', String, '/data'),
    name: text('--name <name>', 'Kubernetes: begins the names of the jobs (default: lamella-, and the command)'),
    json: flag('--json', 'status: print JSON only'),
  },
  examples: [
    'jobs slurm predict runs/a slide.ome.zarr --out pred --shards 64 > submit.sh',
    'jobs kubernetes predict runs/a slide.ome.zarr --out pred --image registry.lab/lamella:1 --claim images > submit.sh',
    'jobs snakemake predict runs/a slide.ome.zarr --out pred > Snakefile',
    'jobs slurm measure pred --as objects --out m --shards 64 > measure.sh',
    'jobs status pred --shards 64',
  ],
});
