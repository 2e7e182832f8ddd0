--- When a window may appear by itself without getting in the way of what the user is typing. Knows no window of ours.

local api = vim.api

local M = {}

--- True if that is now.
---@return boolean
function M.is()
  local mode = api.nvim_get_mode()
  return (mode.mode == 'n' or mode.mode == 'nt')
    and not mode.blocking
    and vim.fn.getcmdwintype() == ''
    and vim.fn.reg_recording() == ''
    and vim.fn.reg_executing() == ''
    and vim.fn.pumvisible() == 0
end

local waiting = false

--- Runs it now or at the next safe moment; while one waits, others are taken to want the same.
---@param run fun()
function M.when(run)
  if M.is() then
    run()
    return
  end
  if waiting then
    return
  end
  waiting = true
  local group = api.nvim_create_augroup('agor_ask_wait', { clear = true })
  api.nvim_create_autocmd({ 'ModeChanged', 'CmdwinLeave', 'RecordingLeave', 'SafeState' }, {
    group = group,
    callback = function()
      vim.schedule(function()
        if waiting and M.is() then
          waiting = false
          pcall(api.nvim_del_augroup_by_id, group)
          run()
        end
      end)
    end,
  })
end

return M
