import { existsSync } from 'node:fs';

/** The software Vulkan driver that Debian's Chromium brings. */
const SOFTWARE_DRIVER = '/usr/lib/chromium/vk_swiftshader_icd.json';

/**
 * Lets WebGPU in Node find a driver: the machine's own where it has a GPU, else Chromium's software driver.
 * To be called before WebGPU is first used in the process.
 */
export function useVulkanDriver(): void {
  if (process.env.VK_ICD_FILENAMES !== undefined || existsSync('/dev/dri/renderD128')) return;
  if (existsSync(SOFTWARE_DRIVER)) process.env.VK_ICD_FILENAMES = SOFTWARE_DRIVER;
}
