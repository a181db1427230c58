use replay::import::*;
fn main(){ let a: Vec<String>=std::env::args().collect(); let mut r=ImportRequest::new(a[1].clone(),"v","S",a[2..].iter().map(Into::into).collect());
 r.strict=std::env::var("STRICT").is_ok();
 if let Ok(i)=std::env::var("INTERVAL"){r.interval=Some(i.parse().unwrap());}
 let t=std::time::Instant::now();
 match import(&r,&mut ()){Ok(o)=>{println!("{}",o.quality);println!("rows {} skipped {} files {:?} head {:?} new={} wall {:?}",o.rows,o.skipped,o.files,o.entry.head.count,!o.nothing_new,t.elapsed());},Err(e)=>{println!("ERR {e}");}}}
