//! A process: it works, sleeps, dies.

/// What may happen to a process.
#[derive(Clone, Debug)]
pub struct Life {
    /// Its number among all that ever started: its dice.
    pub number: u64,
    asleep_until: u32,
    dies_at: u32,
    /// Another one has its work already.
    extra: bool,
    /// Commands that it still carries out before it dies in this step.
    commands_left: Option<u32>,
}

impl Life {
    pub fn new(number: u64) -> Life {
        Life {
            number,
            asleep_until: 0,
            dies_at: u32::MAX,
            extra: false,
            commands_left: None,
        }
    }

    pub fn is_extra(&self) -> bool {
        self.extra
    }

    pub fn is_asleep(&self, step: u32) -> bool {
        step < self.asleep_until
    }

    pub fn is_dead(&self, step: u32) -> bool {
        self.dies_at <= step || self.commands_left.is_some()
    }

    /// Another one takes its place, while it sleeps until a step and then lives on until another one.
    pub fn become_extra(&mut self, asleep_until: u32, dies_at: u32) {
        self.extra = true;
        self.asleep_until = asleep_until;
        self.dies_at = self.dies_at.min(dies_at);
    }

    /// Whether its end is near.
    fn has_end(&self) -> bool {
        self.dies_at < u32::MAX || self.commands_left.is_some()
    }

    pub fn die_at(&mut self, step: u32) {
        self.dies_at = self.dies_at.min(step);
    }

    /// Dies within this step, when so many more commands are carried out.
    pub fn die_after(&mut self, commands: u32) {
        self.commands_left = Some(commands);
    }

    /// Whether the next command is still carried out.
    pub fn carries_out(&mut self) -> bool {
        match &mut self.commands_left {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }

    /// Nothing happens to it any more; but one whose end was near, or whose work another one has, ends at this step.
    pub fn heal(&mut self, step: u32) {
        let is_over = self.extra || self.has_end();
        self.asleep_until = 0;
        self.dies_at = if is_over { step } else { u32::MAX };
        self.commands_left = None;
    }
}
