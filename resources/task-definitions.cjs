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
  const settings = {
    service: await resolveVariable('self:service'),
    stage: await resolveVariable('sls:stage'),
    registry: await resolveVariable('param:registry'),
    imageTag: String(await resolveVariable('param:imageTag')),
    architecture: await resolveVariable('param:architecture'),
    logRetentionInDays: Number(await resolveVariable('param:logRetentionInDays')),
  };
  return { template, tasks: [...tasks.values()], settings };
};

module.exports = async ({ resolveVariable }) => {
  const { template, tasks, settings } = await load(resolveVariable);
  return { Resources: template.taskResources(tasks, settings) };
};
