/** The program of Studio's worker (`openStudioEngine`), whose options are its name. */

import { createEngine } from '../../studio/create-engine.ts';
import { type PortLike, portChannel } from '../../studio/port-channel.ts';
import { serve } from '../../studio/serve.ts';
import { browserStudioHost } from './studio-host.ts';

const { lock, ...options } = JSON.parse(self.name);
// Whoever waits for it gets it when this worker has ended, whatever ended it.
void navigator.locks?.request(lock, () => new Promise(() => undefined));

serve(createEngine(browserStudioHost(options)), portChannel(self as unknown as PortLike));
