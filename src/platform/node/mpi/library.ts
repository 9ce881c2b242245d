/**
 * The MPI library of this machine, called through koffi. Two binary interfaces are in use: Open MPI's handles are
 * addresses of the library's variables, those of MPICH and what follows its ABI (Intel MPI, Cray MPICH) are
 * numbers (https://www.mpich.org/abi/).
 */
import { RunError } from '../../../errors.ts';

/** The processes that `mpirun` started together, numbered from 0; all calls are made by all of them in the same order. */
export interface Communicator {
  readonly rank: number;
  readonly size: number;
  /** To one other, which must `receive` it. At most 2 GiB. */
  send(bytes: Uint8Array, to: number): Promise<void>;
  /** Waits without keeping a processor busy. */
  receive(from: number): Promise<Uint8Array>;
  /** Everybody's parts, in order of rank. @param part of the same length everywhere */
  gather(part: Uint8Array): Promise<Uint8Array>;
  /**
   * Part k of what everybody has, for rank k: in order of rank, whom it is from.
   * @param parts one for each rank, all of the same length
   */
  exchange(parts: Uint8Array): Promise<Uint8Array>;
  /** To be called last, by all. */
  end(): Promise<void>;
}

/** How a process learns from `mpirun` or `srun` that it is one of several; undefined if it is not. */
export function launchedRanks(environment: NodeJS.ProcessEnv = process.env): number | undefined {
  for (const name of ['OMPI_COMM_WORLD_SIZE', 'PMI_SIZE']) {
    const size = Number(environment[name]);
    if (Number.isInteger(size) && size > 1) return size;
  }
  return undefined;
}

const NAMES: { readonly [platform: string]: readonly string[] } = {
  linux: ['libmpi.so.40', 'libmpich.so.12', 'libmpi.so.12', 'libmpi.so'],
  darwin: ['libmpi.40.dylib', 'libmpi.12.dylib', 'libmpi.dylib'],
};

/** `MPI_THREAD_SERIALIZED`, `MPI_THREAD_MULTIPLE`. */
const [SERIALIZED, MULTIPLE] = [2, 3];
const TAG = 7;
/** More than any `MPI_Status` has. */
const STATUS_BYTES = 128;
const MAX_POLL_MS = 4;

type Koffi = typeof import('koffi')['default'];
type Library = ReturnType<Koffi['load']>;
type Callable = ReturnType<Library['func']>;

async function loadKoffi(): Promise<Koffi> {
  try {
    return (await import('koffi')).default;
  } catch (cause) {
    throw new RunError(
      'this is one of several processes of an MPI job, and the package koffi, which calls MPI, is missing.',
      {
        remedy: 'Install it where Lamella is installed: npm install koffi@3.',
        cause,
      },
    );
  }
}

/** The library whose launcher started this process is tried first: another one would see a job of one process. */
function loadLibrary(koffi: Koffi): { readonly lib: Library; readonly isOpenMpi: boolean } {
  const byOpenMpi = process.env.OMPI_COMM_WORLD_SIZE !== undefined;
  const tried: string[] = [];
  for (const name of NAMES[process.platform] ?? []) {
    try {
      // Global: the plug-ins of Open MPI look for the symbols of the library in the process.
      const lib = koffi.load(name, { global: true });
      const isOpenMpi = hasSymbol(lib, 'ompi_mpi_comm_world');
      if (isOpenMpi === byOpenMpi) return { lib, isOpenMpi };
      tried.push(`${name} (${isOpenMpi ? 'of Open MPI' : 'not of Open MPI'})`);
    } catch {
      tried.push(`${name} (not found)`);
    }
  }
  throw new RunError(
    `this is one of several processes of ${byOpenMpi ? 'Open MPI' : 'an MPI job'}, whose library is not found; tried: ${tried.join(', ') || 'none on this system'}.`,
    { remedy: 'Add its folder to LD_LIBRARY_PATH, or load the MPI module that mpirun is from.' },
  );
}

function hasSymbol(lib: Library, name: string): boolean {
  try {
    lib.symbol(name);
    return true;
  } catch {
    return false;
  }
}

/**
 * Joins the job that this process was started in.
 * @throws RunError if koffi or the library is missing, or MPI does not start
 */
export async function joinMpi(): Promise<Communicator> {
  const koffi = await loadKoffi();
  const { lib, isOpenMpi } = loadLibrary(koffi);
  const handle = isOpenMpi ? 'void *' : 'int';
  const [world, byte] = isOpenMpi
    ? [lib.symbol('ompi_mpi_comm_world'), lib.symbol('ompi_mpi_byte')]
    : [0x44000000, 0x4c00010d];
  const int = 'int *';
  const initialise = lib.func('MPI_Init_thread', 'int', ['void *', 'void *', 'int', int]);
  const finalise = lib.func('MPI_Finalize', 'int', []);
  const rankOf = lib.func('MPI_Comm_rank', 'int', [handle, int]);
  const sizeOf = lib.func('MPI_Comm_size', 'int', [handle, int]);
  const send = lib.func('MPI_Send', 'int', ['void *', 'int', handle, 'int', 'int', handle]);
  const probe = lib.func('MPI_Iprobe', 'int', ['int', 'int', handle, int, 'void *']);
  const count = lib.func('MPI_Get_count', 'int', ['void *', handle, int]);
  const receive = lib.func('MPI_Recv', 'int', ['void *', 'int', handle, 'int', 'int', handle, 'void *']);
  const gather = lib.func('MPI_Allgather', 'int', ['void *', 'int', handle, 'void *', 'int', handle, handle]);
  const exchange = lib.func('MPI_Alltoall', 'int', ['void *', 'int', handle, 'void *', 'int', handle, handle]);

  /** Errors of MPI end the job by themselves, unless a caller of the library changed that. */
  const check = (code: number, what: string): void => {
    if (code !== 0) throw new RunError(`${what} of MPI failed with code ${code}.`, { remedy: 'See what mpirun says.' });
  };
  /** On another thread: it may wait for the other processes. */
  const apart = (what: string, call: Callable, ...args: readonly unknown[]): Promise<void> =>
    new Promise((resolve, reject) => {
      call.async(...args, (cause: Error | null, code: number) => {
        try {
          if (cause !== null) throw cause;
          check(code, what);
          resolve();
        } catch (problem) {
          reject(problem);
        }
      });
    });

  const value = new Int32Array(1);
  const read = (what: string, call: Callable): number => {
    check(call(world, value), what);
    return value[0] as number;
  };
  check(initialise(null, null, MULTIPLE, value), 'MPI_Init_thread');
  if ((value[0] as number) < SERIALIZED) {
    throw new RunError('this MPI library does not allow calls from more than one thread (MPI_THREAD_SERIALIZED).', {
      remedy: 'Use a build with support for threads.',
    });
  }
  const rank = read('MPI_Comm_rank', rankOf);
  const size = read('MPI_Comm_size', sizeOf);
  return {
    rank,
    size,
    send: (bytes, to) => apart('MPI_Send', send, bytes, bytes.length, byte, to, TAG, world),
    async receive(from) {
      const status = new Uint8Array(STATUS_BYTES);
      const flag = new Int32Array(1);
      for (let waitMs = 0; ; waitMs = Math.min(waitMs + 1, MAX_POLL_MS)) {
        check(probe(from, TAG, world, flag, status), 'MPI_Iprobe');
        if (flag[0] !== 0) break;
        await new Promise((resolve) => (waitMs === 0 ? setImmediate(resolve) : setTimeout(resolve, waitMs)));
      }
      check(count(status, byte, flag), 'MPI_Get_count');
      const bytes = new Uint8Array(flag[0] as number);
      await apart('MPI_Recv', receive, bytes, bytes.length, byte, from, TAG, world, status);
      return bytes;
    },
    async gather(part) {
      const all = new Uint8Array(part.length * size);
      await apart('MPI_Allgather', gather, part, part.length, byte, all, part.length, byte, world);
      return all;
    },
    async exchange(parts) {
      const all = new Uint8Array(parts.length);
      const length = parts.length / size;
      await apart('MPI_Alltoall', exchange, parts, length, byte, all, length, byte, world);
      return all;
    },
    async end() {
      check(finalise(), 'MPI_Finalize');
    },
  };
}
