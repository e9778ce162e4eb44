/**
 * One ECS task definition for each folder of tasks/, and what goes with it. What is in them is made in
 * lib/aws/task-definition.ts. LONGSHORE_TASKS names another folder than tasks/.
 */
const path = require('node:path');

const load = async (resolveVariable) => {
  if (!process.features.typescript) {
    throw new Error(
      `Node ${process.version} cannot read the task files, which are TypeScript: use Node 24, or npx serverless in this folder`,
    );
  }
  const { loadTasks } = await import('../lib/tasks/registry.ts');
  const template = await import('../lib/aws/task-definition.ts');
  const tasks = await loadTasks(process.env.LONGSHORE_TASKS ?? path.join(__dirname, '../tasks'));
  const { pushedImagesFile, readPushedImages } = await import('../lib/aws/pushed-images.ts');
  const stage = await resolveVariable('sls:stage');
  const images = (await resolveVariable('param:images')) || pushedImagesFile(stage);
  const settings = {
    service: await resolveVariable('self:service'),
    stage,
    pushed: await readPushedImages(path.resolve(__dirname, '..', images)),
    registry: await resolveVariable('param:registry'),
    imageTag: String(await resolveVariable('param:imageTag')),
    architecture: await resolveVariable('param:architecture'),
    logRetentionInDays: Number(await resolveVariable('param:logRetentionInDays')),
  };
  return { template, tasks: [...tasks.values()], settings };
};

module.exports = async ({ resolveVariable }) => {
  const { template, tasks, settings } = await load(resolveVariable);
  const unpinned = template.unpinned(tasks, settings);
  if (unpinned.length > 0) {
    console.error(
      `Of ${unpinned.join(', ')} no push is known for stage ${settings.stage}: named by the tag ${settings.imageTag}, which may move (longshore image push --stage ${settings.stage})`,
    );
  }
  return { Resources: template.taskResources(tasks, settings) };
};
