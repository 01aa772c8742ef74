import { holding, holdingOn, type Table } from './rules.ts';

/** Navigators. */
export const tools: Table = {
  listNavigators: holding('view_navigator'),
  createNavigator: holding('manage_navigator'),
  getNavigator: holdingOn('navigator', 'view_navigator'),
  changeNavigator: holdingOn('navigator', 'manage_navigator'),
  deleteNavigator: holdingOn('navigator', 'manage_navigator'),
};
